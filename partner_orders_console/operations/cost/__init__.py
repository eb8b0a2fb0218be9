"""What a stack costs, from what AWS counted and list prices."""
