"""What clients ask before they ask for objects: version, discovery, schemas, and what they may do."""

from mesh.api.meta import discovery, reviews
from mesh.api.meta.openapi import Documents
from mesh.api.objects.paths import unknown
from mesh.api.objects.served import ServedKinds
from mesh.api.transport.http import PROTOBUF, Reply, Request
from mesh.resources.values.body import Body


class Meta:
    """Answers from the kinds that are served at that moment."""

    def __init__(self, kinds: ServedKinds, secret: str) -> None:
        """`secret` is the mesh's token, against which others' tokens are reviewed."""
        self._kinds = kinds
        self._secret = secret
        self._documents = Documents()

    async def version(self, _request: Request) -> Reply:
        return Reply(discovery.version())

    async def core(self, request: Request) -> Reply:
        """`/api`."""
        if discovery.wants_aggregated(request.headers.get("accept", "")):
            return self._aggregated(core=True)
        return Reply(discovery.core(request.headers.get("host", "")))

    async def groups(self, request: Request) -> Reply:
        """`/apis`."""
        if discovery.wants_aggregated(request.headers.get("accept", "")):
            return self._aggregated(core=False)
        return Reply(discovery.groups(self._kinds.registry))

    async def group(self, request: Request) -> Reply:
        """`/apis/{group}`. Raises Problem (404)."""
        return _existing(request, discovery.group(request.parameters["group"], self._kinds.registry))

    async def resources(self, request: Request) -> Reply:
        """`/api/{version}` and `/apis/{group}/{version}`. Raises Problem (404)."""
        group, version = request.parameters.get("group", ""), request.parameters["version"]
        return _existing(request, discovery.resources(group, version, self._kinds.registry))

    async def openapi_v2(self, request: Request) -> Reply:
        return self._documents.version_two(self._kinds.registry, request.headers.get("accept", ""))

    async def openapi_v3(self, _request: Request) -> Reply:
        return Reply(self._documents.index(self._kinds.registry))

    async def openapi_v3_document(self, request: Request) -> Reply:
        """`/openapi/v3/api/{version}` and `/openapi/v3/apis/{group}/{version}`. Raises Problem (404)."""
        group, version = request.parameters.get("group", ""), request.parameters["version"]
        return _existing(request, self._documents.document(group, version, self._kinds.registry))

    async def review(self, request: Request) -> Reply:
        """`/apis/{group}/v1/{plural}` of one of `reviews.REVIEWS`. Raises Problem (400)."""
        _, _, group, _, plural = request.path.split("/")
        return await self._review(reviews.REVIEWS[group, plural], group, request)

    async def local_review(self, request: Request) -> Reply:
        """LocalSubjectAccessReview, the one that has a namespace. Raises Problem (400)."""
        return await self._review("LocalSubjectAccessReview", reviews.AUTHORIZATION, request)

    async def _review(self, kind: str, group: str, request: Request) -> Reply:
        if PROTOBUF in request.headers.get("content-type", "") and kind != "TokenReview":
            # kubectl sends protobuf. The answer does not depend on it, and kubectl reads JSON, too.
            await request.body()
            return Reply(reviews.review(kind, group, {}, self._secret), 201)
        return Reply(reviews.review(kind, group, await request.json_object(), self._secret), 201)

    def _aggregated(self, *, core: bool) -> Reply:
        return Reply(discovery.aggregated(self._kinds.registry, core=core), content_type=discovery.AGGREGATED)


def _existing(request: Request, body: Body | bytes | None) -> Reply:
    if body is None:
        raise unknown(request.path)
    return Reply(body)
