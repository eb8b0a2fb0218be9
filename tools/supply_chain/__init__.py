"""What is built from others' packages: the locks that name them, held to rules, and the bill of materials."""
