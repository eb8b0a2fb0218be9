"""Sends the catalogue and promotions of stores as CSV files by SFTP, where a brand takes no others."""
