"""Who has had such a bug: one sentence and its links, for those that more than one bug shares."""

LATE = (
    "a late event overwrites a newer state: https://github.com/paypal/mirakl-hyperwallet-connector/issues/35, "
    "https://github.com/stripe/stripe-cli/issues/418, https://github.com/reapit/foundations/issues/9608"
)
TIES = (
    "equal timestamps, first or last wins: https://github.com/stripe/sync-engine/issues/268, "
    "https://github.com/PostHog/posthog/pull/98651, https://github.com/stripe/stripe-cli/issues/1191"
)
KEY = "a key that ignores the body drops another event: https://github.com/NOFireAI/ravel/issues/1653"
BOUNDARY = "one malformed body fails its batch for ever: https://github.com/github-aws-runners/terraform-aws-github-runner/pull/5215"
EMPTY = (
    "an unexpected error answers with no failures: "
    "https://github.com/github-aws-runners/terraform-aws-github-runner/issues/5024"
)
PERMANENT = "everything is retried, permanent faults too: https://github.com/bcgov/parks-reso-api/pull/474"
UNREAD = (
    "the failed entries of a batch send are not read: "
    "https://github.com/aws-samples/sample-voice-of-customer-datalake/issues/259, "
    "https://github.com/nasa/earthdata-mcp/pull/9, https://github.com/awspring/spring-cloud-aws/issues/1654"
)
THROTTLED = (
    "throttling sends good messages to the dead letters: https://github.com/seek-oss/skuba/issues/1408, "
    "https://github.com/aws/chalice/issues/2031"
)
UNFINISHED = (
    "a timeout leaves a record that says it is being done: "
    "https://github.com/aws-powertools/powertools-lambda-python/issues/1038, "
    "https://github.com/aws-powertools/powertools-lambda-python/issues/2490"
)
ROTATED = (
    "a rotated secret stays stale: https://github.com/aws-powertools/powertools-lambda-python/issues/131, "
    "https://github.com/middyjs/middy/issues/1063"
)
RAW = (
    "the raw body is lost, written anew, or still base64: https://github.com/frain-dev/convoy/pull/2392, "
    "https://github.com/dust-tt/dust/pull/22648, https://github.com/jackmusick/bifrost/issues/726"
)
NUMBERS = "a float loses precision: https://github.com/boto/boto3/issues/369, https://github.com/boto/boto3/issues/665"
PAGES = (
    "a capped or repeated page ends the run early: https://github.com/mvanhorn/cli-printing-press/pull/3932, "
    "https://github.com/Nine-Minds/alga-psa/pull/2991"
)
