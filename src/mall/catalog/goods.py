"""The fifteen products, in one table."""

from typing import NamedTuple


class Good(NamedTuple):
    """One row. `price` is in yuan; `sales`, `stock` and `favorites` are counts; `score` is 0-100."""

    id: int
    title: str
    price: float
    sales: int
    stock: int
    score: int
    favorites: int

    @property
    def image(self) -> str:
        return f"/static/products/{self.id}.svg"


GOODS: dict[int, Good] = {
    good.id: good
    for good in (
        Good(1, "Kubernetes", 8, 502, 2001, 98, 90),
        Good(2, "Docker", 8, 408, 3002, 100, 43),
        Good(3, "Istio", 15, 993, 1903, 97, 44),
        Good(4, "Prometheus", 35, 981, 1404, 95, 80),
        Good(5, "Jaeger", 0.5, 270, 2005, 99, 67),
        Good(6, "RabbitMQ", 15, 345, 1000, 90, 39),
        Good(7, "Golang", 35, 89, 1007, 98, 50),
        Good(8, "Python", 15, 44, 1008, 93, 77),
        Good(9, "Ruby", 8, 290, 1009, 94, 89),
        Good(10, "MongoDB", 15, 88, 1010, 100, 101),
        Good(11, "Envoy", 15, 60, 1511, 89, 60),
        Good(12, "Java", 0.5, 51, 1612, 92, 51),
        Good(13, "NodeJS", 35, 302, 1713, 96, 32),
        Good(14, "Calico", 8, 49, 1814, 82, 49),
        Good(15, "Redis", 19, 91, 1015, 94, 9),
    )
}
DISCOUNTED = tuple(range(1, 7))
RECOMMENDABLE = tuple(range(7, 16))
