"""The consumer function. Its code is in the layer, so that an update changes both in one step."""

from partner_orders.consumer.handler import handler as handler
