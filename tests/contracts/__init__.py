"""The REST contracts: every operation that runs is called once and its answer held against the contract.

One case an operation, in `cases/<contract>_<tag>.py`:

    @case("publisher", "getAllAPIs")          # contract; operation id, or "GET /apis" where the contract gives none
    def list_apis(w: World) -> Answer:
        w.api(name="Orders")
        return w.publisher.get("/apis?limit=5")

The harness asks for a 2xx status that the contract knows, the media type it names and a body of its schema. The contracts
themselves are no part of this project: APIM_CONTRACTS names their folder, `../shared/specs` is the usual place; without them
statuses are checked and the schemas are skipped with that reason. The operations are in `apim/contracts/operations.tsv`.
"""
