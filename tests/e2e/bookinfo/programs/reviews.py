"""Bookinfo's reviews: v1 without stars, v2 with black and v3 with red ones, which it asks ratings for.

STARS is their colour; none asks nobody. It waits ten seconds for ratings, longer than its own caller does: the fault
that Istio's task of the delay is to find.
"""

import os

from .web import Answer, Headers, call, serve

STARS = os.environ.get("STARS", "")
LIMIT = 10.0


def answer(path: str, headers: Headers) -> Answer:
    if path == "/health":
        return 200, {"status": "Reviews is healthy"}
    if not path.startswith("/reviews/"):
        return 404, {"error": "not found"}
    number = path.rpartition("/")[2]
    reviews = [
        {"reviewer": "Reviewer1", "text": "A farce with a heart."},
        {"reviewer": "Reviewer2", "text": "Nobody is who the others think."},
    ]
    return 200, {
        "id": number,
        "podname": os.environ["HOSTNAME"],
        "reviews": [{**each, **rating} for each, rating in zip(reviews, _ratings(number, headers), strict=True)],
    }


def _ratings(number: str, headers: Headers) -> list[dict[str, object]]:
    if not STARS:
        return [{}, {}]
    try:
        given = call(f"http://ratings:9080/ratings/{number}", headers, LIMIT)["ratings"]
    except (OSError, ValueError):
        return [{"rating": {"error": "Ratings service is currently unavailable"}}] * 2
    return [{"rating": {"stars": given[name], "color": STARS}} for name in ("Reviewer1", "Reviewer2")]


if __name__ == "__main__":
    serve(answer)
