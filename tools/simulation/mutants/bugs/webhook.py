"""Planted bugs in the endpoint that the platform posts to."""

from tools.simulation.mutants.bugs.complaints import RAW
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/webhook"
_WEBHOOK = f"{_PART}/endpoint.py"
_BODY = f"{_PART}/request_body.py"
_ENCODING = "layers/partner_orders/partner_orders/content_encoding.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "write-the-body-anew",
        "The webhook passes on what it parsed rather than what it got.",
        _WEBHOOK,
        "Webhook._enqueue",
        "body=body,",
        "body=json.dumps(json.loads(body)).encode(),",
        RAW,
    ),
    one_edit(
        "bytes-that-are-no-text-are-replaced",
        "The webhook takes every body for text, and replaces what is none.",
        _WEBHOOK,
        "Webhook._enqueue",
        "body=body,",
        'body=body.decode("utf-8", "replace").encode(),',
        RAW,
    ),
    one_edit(
        "only-what-looks-like-an-object-is-enqueued",
        "The webhook acknowledges a body that is no JSON object, and drops it as if it were empty.",
        _WEBHOOK,
        "Webhook._enqueue",
        "if not body or body.isspace():",
        'if not body.strip().startswith(b"{"):',
    ),
    one_edit(
        "empty-bodies-are-enqueued",
        "An empty body goes on the queue, and ends among the rejected.",
        _WEBHOOK,
        "Webhook._enqueue",
        "if not body or body.isspace():",
        "if False:",
    ),
    one_edit(
        "base64-is-not-decoded",
        "A body that the gateway encoded is taken as it stands.",
        _BODY,
        "_received",
        'if request.get("isBase64Encoded"):',
        "if False:",
        RAW,
    ),
    one_edit(
        "content-encoding-is-ignored",
        "A packed body is enqueued packed.",
        _ENCODING,
        "inflated",
        "_FORMATS.get(encoding.strip().lower(), ())",
        "()",
    ),
    one_edit(
        "encodings-have-a-case",
        "A packed body is inflated only where its encoding is in lower case.",
        _ENCODING,
        "inflated",
        "encoding.strip().lower()",
        "encoding.strip()",
    ),
    one_edit(
        "half-a-body-is-enqueued",
        "Of a packed body that is cut short, as much as can be inflated is enqueued.",
        _ENCODING,
        "inflated",
        'if inflating.eof and not inflating.unused_data.strip(b"\\0"):',
        "if True:",
    ),
    one_edit(
        "a-bomb-is-enqueued",
        "A packed body that is too large when it is inflated is enqueued as received.",
        _ENCODING,
        "inflated",
        "            raise TooLargeError\n",
        "            break\n",
    ),
    one_edit(
        "a-mark-belongs-to-the-secret",
        "A byte order mark that an editor put in front of the secret is part of it.",
        "layers/partner_orders/partner_orders/platform/webhook_secret.py",
        "secret_text",
        ".lstrip(BYTE_ORDER_MARK)",
        "",
    ),
    one_edit(
        "acknowledge-before-the-queue-has-it",
        "The webhook answers 200 when the queue did not take the event.",
        _WEBHOOK,
        "Webhook._enqueue",
        "        except Exception as error:\n            return _unavailable(error)\n",
        "        except Exception:\n            return ACCEPTED\n",
    ),
    one_edit(
        "fail-open",
        "While the secret cannot be read, anybody is admitted.",
        _WEBHOOK,
        "Webhook.receive",
        "except SecretUnavailableError as error:\n            return _unavailable(error)",
        "except SecretUnavailableError:\n            version = SecretVersion.CURRENT",
        "a request without its signature is accepted: https://github.com/aws-samples/serverless-patterns",
    ),
]
