"""Files by SFTP: which stores are sent so, the trusted key, what was sent, and sending now."""
