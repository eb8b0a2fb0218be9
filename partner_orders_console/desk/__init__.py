"""The desk: a page on this machine on which people see their orders, the drift and the trouble."""
