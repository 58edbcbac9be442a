"""The Admin GraphQL API: schema, views of what exists, queries and mutations."""
