"""The reading benchmark: digitises pages whose signal is known and scores the result."""
