"""Users in MongoDB, by PyMongo's asynchronous client."""

from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError

from mall.catalog.models import User
from mall.kit.problem import Problem
from mall.kit.settings import SettingError
from mall.users.people import INITIAL_USERS, person

TIMEOUT_MS = 2000
DATABASE = "mall"


class MongoPeople:
    """The collection `users` of the URL's database (`mall` when it names none), unique by name."""

    def __init__(self, url: str) -> None:
        try:
            self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                url,
                serverSelectionTimeoutMS=TIMEOUT_MS,
                connectTimeoutMS=TIMEOUT_MS,
                timeoutMS=TIMEOUT_MS,
                appname="mall-users",
            )
            self._users = self._client.get_default_database(DATABASE)["users"]
        except (ConfigurationError, InvalidURI, ValueError) as error:
            raise SettingError(f"MONGO_DB_URL: not a MongoDB URL: {error}") from None
        self._prepared = False

    async def find(self, name: str) -> User | None:
        try:
            document = await self._users.find_one({"name": name})
        except PyMongoError as error:
            raise _unreachable(error) from None
        return person(str(document["_id"]), document["name"]) if document else None

    async def register(self, name: str) -> User:
        try:
            # An upsert that loses a race for the same name fails once; the second attempt finds the winner.
            for attempt in range(2):
                try:
                    await self._users.update_one({"name": name}, {"$setOnInsert": {"name": name}}, upsert=True)
                    break
                except PyMongoError as error:
                    if attempt or getattr(error, "code", None) != 11000:
                        raise
        except PyMongoError as error:
            raise _unreachable(error) from None
        user = await self.find(name)
        if user is None:
            raise Problem(503, "the user database lost a user that it had just stored", upstream="mongodb")
        return user

    async def answers(self) -> bool:
        try:
            if not self._prepared:
                await self._users.create_index("name", unique=True)
                for name in INITIAL_USERS:
                    await self.register(name)
                self._prepared = True
            await self._client.admin.command("ping")
        except (PyMongoError, Problem):
            return False
        return True

    async def close(self) -> None:
        await self._client.close()


def _unreachable(error: PyMongoError) -> Problem:
    return Problem(503, f"the user database does not answer ({type(error).__name__})", upstream="mongodb")
