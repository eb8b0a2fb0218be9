"""Logs hold what we write, and nothing that a library would add.

Lambda sets the root logger to the function's log level. At DEBUG, botocore and urllib3 would then log whole requests
and answers: customers' data, the webhook secret, the token.
"""

import logging
import os
import warnings

from aws_lambda_powertools import Logger

_LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR}
LIBRARIES = ("aws_lambda_powertools", "boto3", "botocore", "requests", "s3transfer", "urllib3")


def function_logger() -> Logger:
    """A function's logger, at the level of POWERTOOLS_LOG_LEVEL. Libraries log nothing, whatever the function's own
    level: even a warning may quote headers and bodies."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # An invocation that has nothing to count is no fault.
    warnings.filterwarnings("ignore", message="No application metrics to publish")
    logger = Logger()
    # Powertools prefers Lambda's own level. That one has to stay at INFO, or Lambda would drop the metrics.
    if level := os.environ.get("POWERTOOLS_LOG_LEVEL"):
        logging.getLogger(logger.name).setLevel(_LEVELS.get(level.upper(), logging.INFO))
    return logger
