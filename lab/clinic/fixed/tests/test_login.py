"""With values that exist in tests only."""

from typing import Any

API_KEY = "test-key-not-a-real-one"
SECRET_KEY = "only-for-tests"


def test_wrong_password(client: Any) -> None:
    answer = client.post("/auth/token", json={"username": "mira", "password": "wrong-password"})
    assert answer.status_code == 401


def test_made_up_token(client: Any) -> None:
    assert client.get("/appointments", headers={"Authorization": f"Bearer {API_KEY}"}).status_code == 401
