"""Where a call comes from: the socket's address, or what a trusted proxy in front says."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from wire.exchange import Exchange


class Proxies:
    """The proxies whose word counts. Raises ValueError, naming it, for a rule that is neither address nor range."""

    def __init__(self, rules: str) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(rule.strip(), strict=False) for rule in rules.split(",") if rule.strip()
        )
        self._known: dict[str, bool] = {}

    @property
    def trusting(self) -> bool:
        """Whether there are any."""
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of them."""
        if not self._networks:
            return False
        found = self._known.get(address)
        if found is None:
            if len(self._known) > 10_000:
                self._known.clear()
            found = self._known[address] = self._among(address)
        return found

    def _among(self, address: str) -> bool:
        try:
            one = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(one, "ipv4_mapped", None) or one
        return any(one in network or mapped in network for network in self._networks)

    def caller(self, exchange: Exchange) -> str:
        """The caller's address: the last one in `x-forwarded-for` that is no proxy of ours, or the socket's."""
        address = exchange.client[0]
        if not self.trusts(address):
            return address
        for hop in reversed(exchange.fields.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            if hop.strip():
                address = hop.strip()
                if not self.trusts(address):
                    break
        return address
