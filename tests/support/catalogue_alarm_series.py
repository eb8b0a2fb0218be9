"""For each alarm of the catalogue's template, datapoints that must make it fire and datapoints that must not.

The pusher runs each minute and emits how much waits; it emits a count only where there is something to count. So do the
loader and the function for urgent changes. The loader counts stores without a file once an hour, and the uploader runs
each five minutes.
"""

from tests.support.alarm_series import HOUR, Series, each

RUN = 5  # minutes of a period


def _dead_letters() -> Series:
    """One message for ten minutes. A queue that nobody used for hours emits nothing."""
    metric = "ApproximateNumberOfMessagesVisible"
    return Series(
        {metric: each(range(HOUR), 0) | each(range(10, 20), 1)}, at=10, over=20, quiet={metric: each(range(60, 90), 0)}
    )


def _counted(metric: str) -> Series:
    """A single one is enough. It is emitted once, so older periods keep the alarm for a quarter of an hour."""
    return Series({metric: each([10], 1)}, at=10, over=25, quiet={metric: each([30], 0)})


def _errors() -> Series:
    """Two failed invocations five minutes apart; Lambda emits a zero for each good one."""
    good = each(range(0, 2 * HOUR, RUN), 0)
    return Series(
        {"Errors": good | each((30, 35), 1)}, at=35, over=45, quiet={"Errors": good | each([30], 1) | each([80], 1)}
    )


def _again(metric: str) -> Series:
    """Jobs of two quarters of an hour; one alone is none, and neither are two an hour apart."""
    zeros = each(range(0, 8 * HOUR, 5), 0)
    return Series({metric: zeros | each((60, 75), 1)}, at=75, over=105, quiet={metric: zeros | each((60, 120), 3)})


def _stores(metric: str) -> Series:
    """One store is enough; the pusher emits how many there are each minute."""
    zeros = each(range(2 * HOUR), 0)
    return Series({metric: zeros | each(range(30, 60), 1)}, at=30, over=64, quiet={metric: zeros})


def _each_run(metric: str) -> Series:
    """One is enough; the uploader emits how many there are each five minutes, also with none."""
    zeros = each(range(0, 2 * HOUR, RUN), 0)
    return Series({metric: zeros | each(range(30, 60, RUN), 1)}, at=30, over=60, quiet={metric: zeros})


def _errors_of_uploader() -> Series:
    """Two failed invocations within half an hour; it is called each five minutes."""
    good = each(range(0, 3 * HOUR, RUN), 0)
    return Series(
        {"Errors": good | each((30, 45), 1)}, at=45, over=60, quiet={"Errors": good | each([30], 1) | each([80], 1)}
    )


def _in_a_day(metric: str) -> Series:
    """Each store is compared once a day, also with nothing found."""
    return Series(
        {metric: each([10], 1) | each([24 * HOUR + 10], 0)},
        at=10,
        over=24 * HOUR + 10,
        quiet={metric: each(range(0, 3 * HOUR, HOUR), 0)},
    )


CATALOGUE_SERIES: dict[str, Series] = {
    "FilesDeadLettersAlarm": _dead_letters(),
    "CallbacksDeadLettersAlarm": _dead_letters(),
    "UrgentDeadLettersAlarm": _dead_letters(),
    "FilesRefusedAlarm": _counted("FilesRefused"),
    "FilesHeldAlarm": _counted("FilesHeld"),
    "ResultsRefusedAlarm": _counted("ResultsRefused"),
    "CallbacksUnknownAlarm": _counted("CallbacksUnknown"),
    "PricesHeldAlarm": Series(
        {"PricesHeld": each([10], 1), "UrgentHeld": each([13], 1)},
        at=10,
        over=18,
        quiet={"PricesHeld": each([30], 0), "UrgentHeld": each([40], 0)},
    ),
    "LoaderErrorsAlarm": _errors(),
    "PusherErrorsAlarm": _errors(),
    "UrgentErrorsAlarm": _errors(),
    "FilesTooOldAlarm": Series(
        # Waiting since the loader stopped: an age of a minute more each minute.
        {"ApproximateAgeOfOldestMessage": {minute: [60.0 * minute] for minute in range(90)}},
        at=71,
        over=104,
        quiet={"ApproximateAgeOfOldestMessage": each(range(90), 3600) | each(range(100, 106), 9000)},
    ),
    "DriftLeftAlarm": _in_a_day("DriftLeft"),
    "DriftNotComparedAlarm": _in_a_day("DriftNotCompared"),
    "StoresWithoutFileAlarm": Series(
        {"StoresWithoutFile": each((30, 90, 150), 1) | each((210, 270, 330), 0)},
        at=90,
        over=210,
        quiet={"StoresWithoutFile": each((30, 150), 1) | each((90, 210), 0)},
    ),
    "PusherNotRunningAlarm": Series(
        {"Invocations": each(range(0, 60, RUN), 1) | each(range(120, 180, RUN), 1)},
        at=85,
        over=120,
        quiet={"Invocations": each(range(0, 180, 25), 1)},
        since=29,
    ),
    "ChangesWaitingAlarm": Series(
        {"OldestWaitingMinutes": {minute: [float(minute)] for minute in range(100)} | each(range(100, 120), 0)},
        at=71,
        over=104,
        quiet={"OldestWaitingMinutes": each(range(60), 60) | each(range(60, 66), 90) | each(range(66, 90), 0)},
    ),
    "JobsFailedAlarm": _again("JobsFailed"),
    "JobsGivenUpAlarm": _again("JobsGivenUp"),
    "StatusRefusedAlarm": _counted("StatusRefused"),
    "StatusDiffersAlarm": _stores("StatusDiffers"),
    "StoresClosedAlarm": _stores("StoresClosedByPlatform"),
    "PromotionsRefusedAlarm": _counted("PromotionsRefused"),
    "PromotionsFailedAlarm": _counted("PromotionsFailed"),
    "PromotionsInPartAlarm": _counted("PromotionsInPart"),
    "PromotionsNotSentAlarm": _stores("PromotionsNotSent"),
    "PromotionsUnansweredAlarm": _stores("PromotionsUnanswered"),
    "PromotionEndsLateAlarm": _stores("PromotionEndsLate"),
    "FilesNotUploadedAlarm": _each_run("FilesNotUploaded"),
    "SftpHostKeyChangedAlarm": _each_run("SftpHostKeyChanged"),
    "SftpLoginRefusedAlarm": _each_run("SftpLoginRefused"),
    "UploaderErrorsAlarm": _errors_of_uploader(),
    "UploaderNotRunningAlarm": Series(
        {"Invocations": each(range(0, 60, RUN), 1) | each(range(120, 180, RUN), 1)},
        at=85,
        over=120,
        quiet={"Invocations": each(range(0, 180, 25), 1)},
        since=29,
    ),
    "CatalogueRefusedAlarm": Series(
        {"PlatformRefusals": each(range(30, 40), 1) | each(range(40, 90), 0)},
        at=35,
        over=49,
        quiet={"PlatformRefusals": each([30], 1) | each(range(31, 90), 0)},
    ),
}
