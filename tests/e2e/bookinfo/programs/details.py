"""Bookinfo's details: what a book is."""

from .web import Answer, Headers, serve


def answer(path: str, headers: Headers) -> Answer:
    if path == "/health":
        return 200, {"status": "Details is healthy"}
    if not path.startswith("/details/"):
        return 404, {"error": "not found"}
    book = {"id": int(path.rpartition("/")[2]), "author": "William Shakespeare", "year": 1595, "type": "paperback"}
    return 200, {**book, "pages": 200, "publisher": "PublisherA", "language": "English"}


if __name__ == "__main__":
    serve(answer)
