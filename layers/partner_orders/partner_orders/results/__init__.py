"""The results: takes the platform's word on each job, by callback or by asking, and notes what became of each line."""
