"""The fuzzer: strange input, by the hundred thousand, into the webhook, the parser and the consumer, which must keep
their laws. Started with ``make fuzz``; docs/security.md says what is checked.
"""
