"""Publisher: turns changes of the table into events on the bus."""
