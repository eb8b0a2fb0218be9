"""The urgent changes' function. Its code is in the layer, so that an update changes both in one step."""

from partner_orders.pusher.urgent_handler import handler as handler
