"""The keys of the catalogue's own table (docs/data-model.md)."""

from zlib import crc32

from partner_orders.aws.keys import Key

# One partition takes a thousand writes a second, and a whole list has many more lines.
SHARDS = 16
SKU = "SKU#"
STORES = "STORES"
STATE = "STORE#"
SETTINGS = "SETTINGS#"
EXPORT = "EXPORT#"
STATUS = "STATUS#"
DRIFT = "DRIFT#"
PROMOTIONS = "PROMOTIONS"
UPLOADS = "UPLOADS"
# The stores in which something may wait.
CHANGES = "CHANGES"


def product(store_id: str, sku: str) -> Key:
    return Key(shard(store_id, shard_number(sku)), f"{SKU}{sku}")


def shard_number(sku: str) -> int:
    return crc32(sku.encode()) % SHARDS


def shard(store_id: str, number: int) -> str:
    """One of the partitions of a store's products."""
    return f"STORE#{store_id}#{number:x}"


def sku_of(sk: str) -> str:
    return sk.removeprefix(SKU)


def state(store_id: str) -> Key:
    """What is known of a store's catalogue as a whole."""
    return Key(STORES, f"{STATE}{store_id}")


def settings(store_id: str) -> Key:
    """What an operator set of a store's catalogue."""
    return Key(STORES, f"{SETTINGS}{store_id}")


def wake_up(store_id: str) -> Key:
    """That something may wait in a store."""
    return Key(CHANGES, store_id)


def changes(store_id: str) -> str:
    """The partition of what changed in a store and is to be sent."""
    return f"CHANGES#{store_id}"


def held(store_id: str) -> str:
    """The partition of what a guard holds of a store."""
    return f"HELD#{store_id}"


def job(store_id: str, number: int) -> Key:
    """What was sent to a store in one call; the first is 1."""
    return Key(jobs(store_id), f"{number:012d}")


def jobs(store_id: str) -> str:
    return f"JOBS#{store_id}"


def job_of_the_platform(job_id: str) -> Key:
    """Which of our jobs the platform's id stands for."""
    return Key(f"JOB#{job_id}", "JOB")


def export(store_id: str) -> Key:
    """What is known of a store's exports."""
    return Key(STORES, f"{EXPORT}{store_id}")


def callback(job_id: str) -> Key:
    """A callback that was kept: nobody knows its job, or its link is refused."""
    return Key(f"CALLBACK#{job_id}", "CALLBACK")


def export_of_the_platform(job_id: str) -> Key:
    """Which export the platform's id stands for."""
    return Key(f"JOB#{job_id}", "EXPORT")


def drift(store_id: str) -> Key:
    """What the last comparison of a store with its export found."""
    return Key(STORES, f"{DRIFT}{store_id}")


def drifts(store_id: str) -> str:
    """The partition of what the comparisons of a store found."""
    return f"DRIFT#{store_id}"


def files(store_id: str) -> str:
    """The partition of the files that came for a store."""
    return f"FILES#{store_id}"


def decisions(store_id: str) -> str:
    """The partition of what was decided of a store's held changes."""
    return f"DECISIONS#{store_id}"


def sftp_server() -> Key:
    """The SFTP server's trusted key, and how the last connections went."""
    return Key(UPLOADS, "SERVER")


def upload(kind: str, name: str) -> Key:
    """What is known of a file that is sent again and again."""
    return Key(UPLOADS, f"FILE#{kind}#{name}")


def kept_rows(name: str) -> Key:
    """Which stores the rows of promotions are about that are kept under a name."""
    return Key(UPLOADS, f"ROWS#{name}")


def uploaded(kind: str, name: str) -> str:
    """The partition of what was sent under a file's name."""
    return f"UPLOADED#{kind}#{name}"


def status(store_id: str) -> Key:
    """Whether a store is open on the platform, as it is wished and shown."""
    return Key(STORES, f"{STATUS}{store_id}")


def statuses(store_id: str) -> str:
    """The partition of what a store's status was wished and shown to be."""
    return f"STATUSES#{store_id}"


def promotion(ends: str, promotion_id: str) -> Key:
    """A promotion, by its end as text: a query from a time on leaves out what is over."""
    return Key(PROMOTIONS, f"{ends}#{promotion_id}")


def promotion_id_of(sk: str) -> str:
    return sk.rpartition("#")[2]


def promotion_place(promotion_id: str) -> Key:
    """Where a promotion stands, by its id alone."""
    return Key(f"PROMOTION#{promotion_id}", "PLACE")


def promotion_wishes(promotion_id: str) -> str:
    """The partition of what was wished of a promotion."""
    return f"PROMOTION_WISHES#{promotion_id}"
