"""How a body is kept in the table: compressed against a dictionary of the order's own field names.

The first byte names the dictionary, so that a later one can be added; one that is in use never changes.
"""

import zlib

_ITEM = (
    '{"_id":"","sku":"","barcode":[""],"name":"","pricing":{"pricing_type":"KG","unit_price":0.0,"total_price":0.0,'
    '"quantity":1,"weight":0.0,"weighted_pieces":1,"min_quantity":0.9,"max_quantity":1.1,"vat_percent":0},'
    '"original_pricing":{"pricing_type":"UNIT","unit_price":0.0,"total_price":0.0,"quantity":1,"weight":0,'
    '"min_quantity":1,"max_quantity":1,"vat_percent":0},"status":"NOT_PROCESSED","instructions":"","discount":0,'
    '"container_deposit":0,"image_url":"https://","replaced_id":"","promotion":[{"name":"","discount_amount":0.0,'
    '"sponsorships":[{"sponsor":"VENDOR","amount":0.0},{"sponsor":"PLATFORM","amount":0.0}]}]},'
    '"status":"NOT_FOUND"},"status":"REPLACED"},"status":"ADDITION"},"status":"IN_CART"},'
)
_ORDER = (
    '"cancellation":{"reason":"ITEM_UNAVAILABLE","cancelled_by":"CUSTOMER","post_picked_up":false},"VENDOR","LOGISTICS"'
    '"status":"CANCELLED","status":"DELIVERED","status":"PICKED_UP","status":"DISPATCHED","status":"READY_FOR_PICKUP",'
    '"order_type":"PICKUP","transport_type":"VENDOR_DELIVERY","isPreorder":true,"promotion_status":"UNAVAILABLE",'
    + _ITEM
    + '{"order_id":"","external_order_id":"","order_code":"","status":"RECEIVED","order_type":"DELIVERY",'
    '"transport_type":"LOGISTICS_DELIVERY","isPreorder":false,"accepted_for":null,'
    '"promised_for":"2026-01-01T00:00:00.000Z",'
    '"comment":null,"comment":"","promotion_status":"AVAILABLE","client":{"id":"","name":"","chain_id":"",'
    '"country_code":"",'
    '"store_id":"","external_partner_config_id":""},"customer":{"_id":"","first_name":"","last_name":"","phone_number":"+",'
    '"tax_id":null,"national_id":null,"loyalty_card":null,"delivery_address":{"country":"","city":"","street":"","number":"",'
    '"latitude":0.0,"longitude":0.0,"company":null,"block":null,"building":null,"apartment":null,"entrance":null,'
    '"intercom":null,"floor":null,"suburb":null,"zipcode":null,"instructions":"","formattedAddress":""}},"items":['
    + _ITEM
    + '],"payment":{"sub_total":0.0,"order_total":0.0,"delivery_fee":0,"service_fee":0,"difference_to_minimum":0,'
    '"discount":0,"discounts":[{"name":"","value":0.0}],"container_charge":0,"additional_fees":{},"vouchers":[],'
    '"total_taxes":0.0,"collect_at_pickup":0,"type":"PAID"},"sys":{"created_at":"2026-01-01T00:00:00.000Z",'
    '"created_by":"platform","updated_at":"2026-01-01T00:00:00.000Z","updated_by":"platform","webhook_status":"DELIVERED"}}'
)
_DICTIONARIES = {1: _ORDER.encode("ascii")}
_CURRENT = 1


def pack(body: bytes) -> bytes:
    """Compress a body of any bytes."""
    compressor = zlib.compressobj(level=6, wbits=-15, zdict=_DICTIONARIES[_CURRENT])
    return bytes([_CURRENT]) + compressor.compress(body) + compressor.flush()


def unpack(packed: bytes) -> bytes:
    """The body that was packed. Raises ValueError for bytes that pack() did not make."""
    try:
        decompressor = zlib.decompressobj(wbits=-15, zdict=_DICTIONARIES[packed[0]])
        body = decompressor.decompress(packed[1:]) + decompressor.flush()
    except (IndexError, KeyError, zlib.error):
        raise ValueError("not a packed body of a known dictionary") from None
    if not decompressor.eof:
        raise ValueError("not a packed body: it is cut short")
    return body
