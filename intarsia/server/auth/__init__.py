"""Who calls: tokens of issuers, and the sign-in that is part of the connector."""
