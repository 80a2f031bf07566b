"""Bookinfo's ratings: the stars that two reviewers gave."""

from .web import Answer, Headers, serve


def answer(path: str, headers: Headers) -> Answer:
    if path == "/health":
        return 200, {"status": "Ratings is healthy"}
    if not path.startswith("/ratings/"):
        return 404, {"error": "not found"}
    return 200, {"id": int(path.rpartition("/")[2]), "ratings": {"Reviewer1": 5, "Reviewer2": 4}}


if __name__ == "__main__":
    serve(answer)
