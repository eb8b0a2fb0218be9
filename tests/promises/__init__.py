"""What is known of each sentence of README.md and docs/guarantees.md, a module for each part of the pages."""

from tests.promises import answers, catalogue, intake, limits, merging, outages, readme, stores
from tools.promises.promise import Entry

# In the order of the pages.
ENTRIES: tuple[Entry, ...] = (
    *intake.WHAT_A_2XX_MEANS,
    *intake.HOW_SOON,
    *intake.WHAT_THE_CALLER_GETS,
    *merging.REPETITION_ORDER_CONFLICT,
    *stores.STORES,
    *merging.IS_IT_A_SALE,
    *outages.WHEN_A_PART_IS_DOWN,
    *answers.ANSWERS,
    *catalogue.CATALOGUE,
    *outages.WITHOUT_THE_SECRET,
    *outages.A_PLATFORM_THAT_MISBEHAVES,
    *limits.NOT_PROMISED,
    *readme.README,
)
