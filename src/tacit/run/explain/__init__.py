"""What a program costs and why, before it runs: rehearsed, priced, written as text, JSON or a page."""
