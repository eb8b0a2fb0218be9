"""Orders: the model, the events, their one total order, and the rows that hold them."""
