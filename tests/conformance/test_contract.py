"""The contract of the mall's services, as any caller sees it."""

import pytest

from tests.support.services import Service

Services = dict[str, Service]
TABLE = {
    1: ("Kubernetes", 8, 502, 2001, 98, 90),
    2: ("Docker", 8, 408, 3002, 100, 43),
    3: ("Istio", 15, 993, 1903, 97, 44),
    4: ("Prometheus", 35, 981, 1404, 95, 80),
    5: ("Jaeger", 0.5, 270, 2005, 99, 67),
    6: ("RabbitMQ", 15, 345, 1000, 90, 39),
    7: ("Golang", 35, 89, 1007, 98, 50),
    8: ("Python", 15, 44, 1008, 93, 77),
    9: ("Ruby", 8, 290, 1009, 94, 89),
    10: ("MongoDB", 15, 88, 1010, 100, 101),
    11: ("Envoy", 15, 60, 1511, 89, 60),
    12: ("Java", 0.5, 51, 1612, 92, 51),
    13: ("NodeJS", 35, 302, 1713, 96, 32),
    14: ("Calico", 8, 49, 1814, 82, 49),
    15: ("Redis", 19, 91, 1015, 94, 9),
}
COLUMN = {"sales": 2, "stock": 3, "scores": 4, "favorites": 5}
ALL = ",".join(map(str, TABLE))
WITH_IDS = [*COLUMN, "products"]


@pytest.mark.parametrize("name", COLUMN)
def test_counts_are_by_id_and_unknown_ids_left_out(services: Services, name: str) -> None:
    answer = services[name].get(f"/{name}?ids={ALL},99,0,-1")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {str(number): row[COLUMN[name]] for number, row in TABLE.items()}


def test_products_come_in_the_order_asked(services: Services) -> None:
    answer = services["products"].get("/products?ids=10,2,99,2")
    assert answer.status == 200
    assert [product["id"] for product in answer.json] == [10, 2, 2]
    for product in answer.json:
        title, price, sales, stock, _, favorites = TABLE[product["id"]]
        assert product == {
            "id": product["id"],
            "title": title,
            "image": product["image"],
            "price": price,
            "sales": sales,
            "stock": stock,
            "favorites": favorites,
        }
        assert product["image"].startswith("/static/")


@pytest.mark.parametrize("name", WITH_IDS)
@pytest.mark.parametrize(
    "query", ["", "?ids=", "?ids=a", "?ids=1,,2", "?ids=1.5", "?other=1", f"?ids={','.join(['1'] * 101)}"]
)
def test_wrong_ids_are_a_problem_that_names_the_parameter(services: Services, name: str, query: str) -> None:
    answer = services[name].get(f"/{name}{query}")
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == 400
    assert answer.json["title"]
    assert "ids" in answer.json["detail"]


@pytest.mark.parametrize("name", WITH_IDS)
def test_a_hundred_ids_are_taken(services: Services, name: str) -> None:
    assert services[name].get(f"/{name}?ids={','.join(['1'] * 100)}").status == 200


def test_recommend_gives_six_best_score_first(services: Services) -> None:
    body = services["recommend"].get("/recommend", cookie="user=jason").json
    assert body["banner"] is False
    assert len(body["products"]) == 6
    scores = [product["score"] for product in body["products"]]
    assert scores == sorted(scores, reverse=True)
    assert all(7 <= product["id"] <= 15 for product in body["products"])
    assert all(product["score"] == TABLE[product["id"]][4] for product in body["products"])


def test_recommend_is_the_same_for_a_user_and_differs_between_users(services: Services) -> None:
    def ids(user: str) -> tuple[int, ...]:
        body = services["recommend"].get("/recommend", cookie=f"theme=dark; user={user}").json
        return tuple(product["id"] for product in body["products"])

    users = [f"user{number}" for number in range(20)]
    assert [ids(user) for user in users] == [ids(user) for user in users]
    assert len({ids(user) for user in users}) > 10


def test_discount_gives_one_to_six(services: Services) -> None:
    body = services["discount"].get("/discount").json
    assert body["banner"] is False
    assert [product["id"] for product in body["products"]] == [1, 2, 3, 4, 5, 6]


def test_a_user_is_found_by_name(services: Services) -> None:
    answer = services["users"].get("/users?name=jason")
    assert answer.status == 200
    assert answer.json.keys() == {"id", "name", "image"}
    assert answer.json["name"] == "jason"
    assert services["users"].get("/users?name=nobody-at-all").status == 404


@pytest.mark.parametrize("name", ["admin", "test", "jason", "fox"])
def test_these_users_are_there_at_the_start(services: Services, name: str) -> None:
    assert services["users"].get(f"/users?name={name}").json["name"] == name


def test_a_name_is_registered_once(services: Services) -> None:
    first = services["users"].ask("POST", "/users", {"name": "  小明 "})
    again = services["users"].ask("POST", "/users", {"name": "小明"})
    assert first.status == again.status == 201
    assert first.json == again.json
    assert first.json["name"] == "小明"


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"", {400}),
        (b"{", {400}),
        (b"[]", {400, 422}),
        ({}, {400, 422}),
        ({"name": 1}, {400, 422}),
        ({"name": ""}, {400, 422}),
        ({"name": "   "}, {400, 422}),
        ({"name": "x" * 65}, {400, 422}),
        (b"x" * 200_000, {413}),
    ],
)
def test_a_wrong_body_is_a_problem(services: Services, body: object, statuses: set[int]) -> None:
    for name, path in (("users", "/users"), ("mall", "/api/users")):
        answer = services[name].ask("POST", path, body)
        assert answer.status in statuses, name
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_name_of_64_characters_is_taken(services: Services) -> None:
    assert services["users"].ask("POST", "/users", {"name": "x" * 64}).status == 201


def test_the_mall_gathers_the_three_areas(services: Services) -> None:
    answer = services["mall"].get("/api/mall", cookie="theme=dark; user=fox")
    assert answer.status == 200
    body = answer.json
    assert body.keys() == {"user", "recommend", "discount"}
    assert body["user"]["name"] == "fox"
    assert body["recommend"] == services["mall"].get("/api/recommends", cookie="user=fox").json
    assert body["discount"] == services["mall"].get("/api/products", cookie="user=fox").json


@pytest.mark.parametrize("cookie", ["", "user=", "user=who-is-this", "superuser=fox"])
def test_who_is_not_known_is_nobody(services: Services, cookie: str) -> None:
    assert services["mall"].get("/api/mall", cookie=cookie).json["user"] is None
    assert services["mall"].get("/api/users", cookie=cookie).json == {"code": 0, "data": None}


def test_signing_in_gives_the_user_and_a_cookie(services: Services) -> None:
    answer = services["mall"].ask("POST", "/api/users", {"name": "新 user;x"})
    assert answer.status == 200
    assert answer.json["code"] == 0
    assert answer.json["data"]["name"] == "新 user;x"
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert services["mall"].get("/api/users", cookie=cookie).json["data"]["name"] == "新 user;x"


@pytest.mark.parametrize("name", ["mall", "users", "recommend", "discount", *WITH_IDS])
def test_probes_and_description_answer(services: Services, name: str) -> None:
    assert services[name].get("/healthz/live").status == 200
    assert services[name].get("/healthz/ready").status == 200
    document = services[name].get("/openapi.json").json
    assert document["openapi"].startswith("3.")
    assert document["paths"]


@pytest.mark.parametrize(
    ("name", "path"),
    [("products", "/products"), ("recommend", "/recommend"), ("discount", "/discount"), ("sales", "/sales")],
)
def test_a_wrong_method_is_405_and_an_unknown_path_404(services: Services, name: str, path: str) -> None:
    answer = services[name].ask("DELETE", path)
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]
    missing = services[name].get("/nowhere")
    assert missing.status == 404
    assert missing.headers["content-type"] == "application/problem+json"
