"""What extensions of the customer account ask: the storefront's answers, behind another door."""
