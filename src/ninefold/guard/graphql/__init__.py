"""GraphQL documents, judged before the API gets them, and what may come back of them."""
