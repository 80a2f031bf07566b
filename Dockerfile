# One image for all services of the mall; a Deployment's command says which one runs.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-deps . \
 && /venv/bin/pip install --no-cache-dir "uvloop>=0.21" "httptools>=0.7.1" "msgspec>=0.20" "pymongo>=4.15"

FROM python:3.13-slim
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=7000
USER 10001
EXPOSE 7000
CMD ["python", "-m", "mall.mall"]
