"""Secrets Manager as far as the functions use it: one secret that rotates, and others that stay."""

from collections.abc import Callable, Mapping

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"

type Answer = dict[str, str]


class SimulatedSecrets:
    """The one call of a boto3 client that our code makes. ``call`` stands between it and its effect: it is given the
    secret's id, the stage and the effect."""

    class exceptions:  # noqa: N801 (boto3's name)
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(
        self, rotating: str, call: Callable[[str, str, Callable[[], Answer]], Answer], others: Mapping[str, str]
    ) -> None:
        """``rotating`` is the text of every secret that is not among the ``others``, which are texts by id."""
        self._call = call
        self._others = others
        self.versions = {CURRENT: rotating}

    def rotate(self, text: str) -> None:
        self.versions = {CURRENT: text, PREVIOUS: self.versions[CURRENT]}

    def get_secret_value(self, *, SecretId: str, VersionStage: str = CURRENT) -> Answer:  # noqa: N803
        def effect() -> Answer:
            versions = {CURRENT: self._others[SecretId]} if SecretId in self._others else self.versions
            if VersionStage not in versions:
                raise self.exceptions.ResourceNotFoundException
            return {"SecretString": versions[VersionStage]}

        return self._call(SecretId, VersionStage, effect)
