"""The uploader function. Its code is in the layer, so that an update changes both in one step."""

from partner_orders.uploader.handler import handler as handler
