"""What an API's traffic shows, made a contract: watched, proposed, and held against what was recorded (docs/learning.md)."""
