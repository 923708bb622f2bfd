"""Accounts and their tokens: who may do what. A main account owns things, its sub-accounts share them."""

from __future__ import annotations

from moduline.cloud.accounts.service import Account, Token

__all__ = ["Account", "Token"]
