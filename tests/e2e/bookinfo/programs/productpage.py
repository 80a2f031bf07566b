"""Bookinfo's productpage: details and reviews on one page, and as JSON.

Who has signed in (`/login?username=`, kept in a cookie) is told to the others as `end-user`. It asks reviews twice and
waits three seconds each time.
"""

import html
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from .web import Answer, Headers, call, serve

LIMIT = 3.0
TRIES = 2
BOOK = {"id": 0, "title": "The Comedy of Errors"}


def answer(path: str, headers: Headers) -> Answer:
    cookie = SimpleCookie(headers.get("cookie", "")).get("user")
    told = {**headers, "end-user": cookie.value} if cookie else headers
    match urlsplit(path).path.strip("/").split("/"):
        case ["health"]:
            return 200, "Product page is healthy"
        case ["productpage"]:
            return 200, _page(_details(told), _reviews(told))
        case ["api", "v1", "products"]:
            return 200, [BOOK]
        case ["api", "v1", "products", "0"]:
            return 200, _details(told)
        case ["api", "v1", "products", "0", "reviews"]:
            found = _reviews(told)
            return (503 if "error" in found else 200), found
    return 404, {"error": "not found"}


def _details(headers: Headers) -> Any:
    try:
        return call("http://details:9080/details/0", headers, LIMIT)
    except (OSError, ValueError):
        return {"error": "Sorry, product details are currently unavailable for this book."}


def _reviews(headers: Headers) -> Any:
    for _ in range(TRIES):
        try:
            return call("http://reviews:9080/reviews/0", headers, LIMIT)
        except (OSError, ValueError):
            continue
    return {"error": "Sorry, product reviews are currently unavailable for this book."}


def _page(details: Any, reviews: Any) -> str:
    shown = details.get("error") or f"{details['author']}, {details['year']}"
    rows = [_row(review) for review in reviews.get("reviews", [])] or [html.escape(reviews["error"])]
    return f"<h1>{BOOK['title']}</h1><p>{html.escape(shown)}</p>" + "".join(f"<p>{row}</p>" for row in rows)


def _row(review: Any) -> str:
    rating = review.get("rating", {})
    stars = f' <b class="{rating["color"]}">{"★" * rating["stars"]}</b>' if "stars" in rating else ""
    return html.escape(f"{review['text']} {review['reviewer']} {rating.get('error', '')}".strip()) + stars


if __name__ == "__main__":
    serve(answer)
