"""What a Dockerfile says about running its image."""

from pathlib import Path

import pytest

from meshmall.init.dockerfile import code_folder, last_stage, words_here


def test_the_last_stage_is_what_the_image_is() -> None:
    stage = last_stage("""
# syntax=docker/dockerfile:1
ARG VERSION=3.12
FROM golang:1.24 AS build
RUN go build -o /out/server ./cmd/server
FROM python:${VERSION}-slim
WORKDIR /srv
ENV A=1 \\
    # a comment
    B="two words"
ENV C three
COPY --from=build /out/server /usr/local/bin/server
COPY app/ .
EXPOSE 8000/tcp 9000
USER 1000
ENTRYPOINT ["python", "-u"]
CMD ["/srv/main.py", "--port", "8000"]
""")
    assert stage is not None
    assert (stage.base, stage.workdir, stage.user, stage.ports) == ("python:3.12-slim", "/srv", "1000", [8000, 9000])
    assert stage.env == {"A": "1", "B": "two words", "C": "three"}
    assert stage.built == [("/out/server", "/usr/local/bin/server")]
    assert words_here(stage, stage.words) == ["python", "-u", "main.py", "--port", "8000"]


def test_a_target_and_a_stage_below_it() -> None:
    text = """
FROM node:22 AS base
WORKDIR /app
EXPOSE 3000
CMD ["node", "server.js"]
FROM base AS dev
CMD npm run dev
FROM base
"""
    dev, last = last_stage(text, "dev"), last_stage(text)
    assert dev is not None and last is not None
    assert (dev.words, dev.ports, dev.workdir) == (["sh", "-c", "npm run dev"], [3000], "/app")
    assert last.words == ["node", "server.js"]
    assert last_stage("# nothing\n") is None


@pytest.mark.parametrize(
    ("copy", "folder"),
    [("COPY . .", "."), ("COPY src/ /app/", "src"), ("COPY src /app", "src"), ("COPY package.json .", ".")],
)
def test_the_code_is_where_the_working_folder_was_copied_from(tmp_path: Path, copy: str, folder: str) -> None:
    (tmp_path / "src").mkdir()
    stage = last_stage(f"FROM x\nWORKDIR /app\n{copy}\n")
    assert stage is not None
    assert code_folder(stage, tmp_path) == (tmp_path / folder).resolve()
