"""The catalogue's part of the simulation: a chain's files and messages, the functions, and the platform's jobs."""
