"""The loader function. Its code is in the layer, so that an update changes both in one step."""

from partner_orders.loader.handler import handler as handler
