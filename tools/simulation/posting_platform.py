"""The platform, as it posts its webhooks: late, twice, in another order, or not at all."""

import base64
import gzip
import json
import random
import zlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tools.simulation.environment import Died
from tools.simulation.hour import Fate, Post
from tools.simulation.violation import Violation

if TYPE_CHECKING:
    from tools.simulation.world import World


class PostingPlatform:
    """Posts what the hour has, with the secret that it knows; and strangers post without it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._secret = "first secret"  # noqa: S105
        self._secret_changed_at = float("-inf")

    def schedule(self, post: Post, chance: random.Random) -> None:
        """When, and how often, the platform posts one thing."""
        faults = self._world.faults
        at = max(0.0, self._world.kernel.at(post.at) - self._world.kernel.seconds)
        late, again = chance.uniform(0, 900), chance.uniform(0, 1800)
        if post.order >= 0 and faults.strikes("webhook_dropped", post.name):
            return
        if faults.strikes("webhook_reordered", post.name):
            at += late
        retried = not faults.strikes("webhook_not_retried", post.name)
        if faults.strikes("webhook_gzip", post.name) and not post.encoding and post.body:
            encoding = chance.choice(["gzip", "X-GZIP", "deflate"])
            packed = zlib.compress(post.body) if encoding == "deflate" else gzip.compress(post.body, mtime=0)
            post = replace(post, encoding=encoding, packed=packed)
        self._world.posted.append(post)
        self._world.kernel.spawn(partial(self._post, post, retried), self._world.service, at)
        if faults.strikes("webhook_duplicated", post.name):
            self._world.kernel.spawn(partial(self._post, post, retried), self._world.service, at + again)

    def rotate_secret(self) -> None:
        """Give the webhook a second secret; the platform posts with it a little later."""
        self._world.secrets.rotate("second secret")
        self._secret_changed_at = self._world.kernel.seconds
        self._world.kernel.sleep(self._world.faults.between("secret_rotated", 0, 400))
        self._secret = "second secret"  # noqa: S105

    def _post(self, post: Post, retried: bool) -> None:
        for _ in range(6 if retried else 1):
            if self._answer(post) and not self._world.faults.strikes("webhook_answer_lost", post.name):
                return
            self._world.kernel.sleep(60.0)

    def _answer(self, post: Post) -> bool:
        """Post once; whether the answer is a 2xx. From then on the event is ours."""
        environment = self._world.environment("webhook")
        if environment.cold and not post.stranger and self._world.chance.random() < 0.5:
            # Whoever knocks first, before the secret was ever read, is not let in either.
            environment.cold = False
            self._answer(self._world.hour.stranger)
            environment = self._world.environment("webhook")
        environment.cold = False
        self._world.requests += 1
        posted, headers = post.posted, {"authorization": self._guess() if post.stranger else self._secret}
        as_text = posted.decode("utf-8", "replace").encode() == posted and self._world.chance.random() < 0.5
        event = {
            "headers": headers | ({"content-encoding": post.encoding} if post.encoding else {}),
            "requestContext": {"requestId": f"r{self._world.requests}"},
            "isBase64Encoded": not as_text,
            "body": posted.decode() if as_text else base64.b64encode(posted).decode(),
        }
        try:
            answer = environment.invoke(event, f"r{self._world.requests}")
            status = answer["statusCode"]
            self._world.said.append(json.dumps(answer))
        except Died:
            return False
        except Exception as error:
            raise Violation(f"the webhook raised {type(error).__name__} for {post.name}") from error
        if status == 401 and not post.stranger and not self._may_not_know_yet():
            raise Violation(f"the platform was refused: {post.name}")
        if 200 <= status < 300:
            if post.fate is Fate.REFUSED:
                raise Violation(f"acknowledged what should be refused: {post.name}")
            self._world.acknowledged.append(post)
        elif 400 <= status < 500 and status != 401 and post.fate is not Fate.REFUSED:
            raise Violation(f"refused with {status} what should be acknowledged: {post.name}")
        return bool(200 <= status < 300)

    def _guess(self) -> str:
        """What a stranger says."""
        secret = self._secret
        return self._world.chance.choice(["a guess", "", "Bearer", secret[:-1], secret.upper(), f"{secret}, {secret}"])

    def _may_not_know_yet(self) -> bool:
        """Whether a webhook may not have read the new secret yet: it reads at most once a minute. One that tried and
        failed refuses nobody."""
        just_now = self._world.kernel.seconds - self._secret_changed_at < 61.0
        return self._secret == self._world.secrets.versions["AWSCURRENT"] and just_now
