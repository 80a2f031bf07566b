"""The JSON that the services exchange."""

import msgspec


class Product(msgspec.Struct, omit_defaults=True):
    """A product. `favorites` and `score` are set only where the service provides them."""

    id: int
    title: str
    image: str
    price: float
    sales: int
    stock: int
    favorites: int | None = None
    score: int | None = None


class ScoredProduct(msgspec.Struct, omit_defaults=True):
    """A product with its score."""

    id: int
    title: str
    image: str
    price: float
    sales: int
    stock: int
    score: int
    favorites: int | None = None


class Recommend(msgspec.Struct):
    """The recommended products, best score first."""

    products: list[ScoredProduct]
    banner: bool


class Discount(msgspec.Struct):
    products: list[Product]
    banner: bool


class User(msgspec.Struct):
    id: str
    name: str
    image: str


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """The body that registers or signs in."""

    name: str


class UserAnswer(msgspec.Struct):
    """How the mall wraps a user; `code` 0 means success."""

    code: int
    data: User | None


class AreaError(msgspec.Struct):
    """Why an area of the page is missing; `status` is that of the response, null without a response."""

    area: str
    status: int | None
    detail: str


class Mall(msgspec.Struct, omit_defaults=True):
    """The page's data; `errors` names the areas that are null because their service failed."""

    user: User | None
    recommend: Recommend | None
    discount: Discount | None
    errors: list[AreaError] = []


Counts = dict[str, int]
