"""Planted bugs in answering orders: taking answers in, sending them, and telling what became of them."""

from tools.simulation.mutants.planting import Edit, Mutant, one_edit

_PACKAGE = "layers/partner_orders/partner_orders"
_INTAKE = f"{_PACKAGE}/answers/intake.py"
_TABLE = f"{_PACKAGE}/answers/table.py"
_SENDING = f"{_PACKAGE}/sender/sending.py"
_TURN = f"{_PACKAGE}/sender/turn.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "taken-though-storing-failed",
        "An answer is called taken though the table did not take it.",
        _INTAKE,
        "AnswersIntake.take",
        "            except AcceptedMeanwhileError:\n                continue",
        "            except Exception:  # noqa: BLE001\n                pass",
    ),
    one_edit(
        "a-repeated-answer-is-a-new-one",
        "An answer that the till sends again, for want of a response, is stored and sent a second time.",
        _INTAKE,
        "AnswersIntake._considered",
        "if repeated := earlier.by_id(answer.answer_id):",
        "if (repeated := earlier.by_id(answer.answer_id)) and not repeated.is_open:",
    ),
    one_edit(
        "one-id-for-two-answers",
        "Another answer under an id that was used gets the first one's result, and is lost.",
        _INTAKE,
        "AnswersIntake._repeated",
        "if plain(stored.answer) != plain(answer):",
        "if stored.answer.kind is not answer.kind and answer.kind is None:",
    ),
    one_edit(
        "stored-where-no-sweep-looks",
        "An answer whose wake-up was lost is never found: the index does not have it.",
        _TABLE,
        "AnswersTable.accept",
        '.set("listed_at", to_text(answer.accepted_at + AWAKE_WITHIN))',
        "",
    ),
    one_edit(
        "the-last-answer-ends-them-all",
        "An answer that comes while the last one ends is never looked at again.",
        _TABLE,
        "AnswersTable.end",
        'all_of(equals("fence", claimed.fence), _still_accepted(claimed))',
        'equals("fence", claimed.fence)',
    ),
    Mutant(
        "no-claim",
        "Two senders send the answers to one order at the same time.",
        (
            Edit(
                _TABLE,
                "AnswersTable.claim",
                'update.only_if(all_of(present("open"), is_free))',
                'update.only_if(any_of(present("open"), is_free))',
            ),
            Edit(_TABLE, "AnswersTable.claim", 'update.increment("fence")', 'update.set("fence", 1)'),
        ),
    ),
    one_edit(
        "no-fence",
        "A sender that has lost its claim writes over what the other one noted.",
        _TABLE,
        "AnswersTable._write",
        'update.only_if(equals("fence", claimed.fence))',
        'update.only_if(present("fence"))',
    ),
    one_edit(
        "sent-before-it-is-noted",
        "A request is sent without a note, so a sender that dies after it has it sent again blindly.",
        _SENDING,
        "Sender._send",
        "turn.note(stored, begun)",
        "replace(stored, progress=begun)",
    ),
    one_edit(
        "repeated-without-reading-back",
        "What may have had an effect is sent again without looking.",
        _SENDING,
        "Sender._step",
        "if stored.progress.sent_at is not None:",
        "if stored.progress.sent_at is not None and stored.number == 0:",
    ),
    one_edit(
        "a-400-is-a-refusal",
        "A response of 400 ends the answer as refused, though it took effect.",
        _SENDING,
        "Sender._put",
        'refusal = str(error) if error.retry_after is None else ""\n',
        'refusal = str(error) if error.retry_after is None else ""\n'
        "                if refusal:\n"
        "                    turn.end(stored, Outcome.REFUSED, refusal)\n"
        "                    return\n",
    ),
    one_edit(
        "a-200-is-an-outcome",
        "A response of 200 ends the answer as applied, whatever it shows.",
        _SENDING,
        "Sender._put",
        "if outcome in {Outcome.APPLIED, Outcome.OVERTAKEN}:",
        "if outcome := (outcome or Outcome.APPLIED):",
    ),
    one_edit(
        "one-look-is-enough",
        "A request is taken to have had no effect as soon as one reading does not show it.",
        _TURN,
        "Turn.is_sure",
        "return progress.absent_since is not None and",
        "return progress.absent_since is not None or",
    ),
    one_edit(
        "hidden-order-is-a-refusal",
        "An answer counts as refused as soon as the platform once says to know no such order.",
        _SENDING,
        "Sender._read_back",
        "after = SURE_AFTER if event is not None else GONE_AFTER",
        "after = SURE_AFTER",
    ),
    one_edit(
        "stale-lines",
        "An answer is made from the lines of the table, which do not have what the one before it changed.",
        _SENDING,
        "Sender._begin",
        "if stored.number > 1:",
        "if stored.number > 1_000:",
    ),
    one_edit(
        "lines-that-nobody-saw",
        "An answer is sent for an order that got a line after the till had looked at it.",
        _SENDING,
        "Sender._send",
        "check_unchanged(stored.answered_lines, cart)",
        "check_unchanged((), ())",
    ),
    one_edit(
        "the-newest-answer-first",
        "Of two answers that wait, the later one is sent first.",
        f"{_PACKAGE}/answers/stored.py",
        "OrderAnswers.oldest_open",
        "return next(self.open_answers, None)",
        "return max(self.open_answers, key=lambda stored: stored.number, default=None)",
    ),
    one_edit(
        "a-cancelled-order-was-ready",
        "An order that the customer has cancelled counts as answered.",
        f"{_PACKAGE}/answers/judgement.py",
        "_of_ready",
        "return Outcome.OVERTAKEN\n    if not _has_reached",
        "return Outcome.APPLIED\n    if not _has_reached",
    ),
    one_edit(
        "a-refusal-that-passes-is-final",
        "The platform shows the order, and one odd 404 ends its answer.",
        _SENDING,
        "Sender._may_pass",
        "return stored.progress.refusal in _MAY_PASS and",
        "return stored.progress.refusal not in _MAY_PASS and",
    ),
    one_edit(
        "amounts-do-not-count",
        "A cart counts as the same though fewer pieces of a line are delivered.",
        f"{_PACKAGE}/answers/cart.py",
        "_is_same",
        "return (wanted.quantity or Decimal(0)) == (shown.quantity or Decimal(0))",
        "return True",
    ),
    one_edit(
        "a-line-is-lost",
        "A line of which the answer says nothing is not sent, and the platform takes it as missing.",
        f"{_PACKAGE}/answers/cart.py",
        "_Picking._as_picked",
        "return [line if line.status in _LEFT_OUT or line.status == ADDITION else self._in_full(line)]",
        "return [] if line.status in _LEFT_OUT else [self._in_full(line)]",
    ),
    one_edit(
        "outcomes-are-told-to-nobody",
        "An outcome is stored, and no change event tells of it.",
        f"{_PACKAGE}/publisher/publish.py",
        "_of_answers",
        'and "outcome" not in before.get(name, {})',
        'and "outcome" in before.get(name, {})',
    ),
]
