"""What a variant's bill consists of, line by line, each with its quantity, its price and where both come from."""

from __future__ import annotations

from harness.comparison.capacity import SECONDS_A_MONTH, mean_rate, replicas
from harness.comparison.utility import serving_cost
from harness.types.answers import TrainingRecord, Usage
from harness.types.capacity import Capacity
from harness.types.decision import DecisionTerms, VariantTerms
from harness.types.economics import Economics, Hardware
from harness.types.results import LedgerLine


def ledger(
    v: VariantTerms,
    terms: DecisionTerms,
    economics: Economics,
    usage: Usage | None,
    training: TrainingRecord | None,
) -> tuple[LedgerLine, ...]:
    """Lines that add up to the variant's monthly bill; empty where its serving cost is not known."""
    if serving_cost(v, terms) is None:
        return ()
    lines = _once(economics, training, usage)
    hours = economics.people_hours_per_month.get(v.variant, 0.0)
    if hours:
        lines.append(
            _line(
                "People",
                "each month",
                hours,
                "hours",
                economics.people_price_per_hour,
                economics,
                "the scenario",
            )
        )
    return (*lines, *_requests(v, terms, economics, usage))


def _once(economics: Economics, training: TrainingRecord | None, usage: Usage | None) -> list[LedgerLine]:
    hardware, found = economics.training, []
    price = hardware.price_per_hour
    if training is not None:
        found = [
            _line(
                "Labelling", "each training", training.examples, "examples", economics.example_price, economics,
                "examples trained on; price of the scenario",
            ),
            _line(
                "Training", "each training", training.seconds / 3600, "machine hours", price, economics,
                f"measured on {training.hardware}{_seeds(training)}; {_priced(hardware)}",
            ),
        ]  # fmt: skip
    if usage is not None and usage.index_s:
        source = f"embedding measured, loading of the embedder included; {_priced(hardware)}"
        hours = usage.index_s / 3600
        found.append(_line("Index", "each training", hours, "machine hours", price, economics, source))
    return found


def _seeds(training: TrainingRecord) -> str:
    n = 1 + len(training.again)
    return f", one of {n} training seeds, as a release trains one" if n > 1 else ""


def _requests(
    v: VariantTerms, terms: DecisionTerms, economics: Economics, usage: Usage | None
) -> list[LedgerLine]:
    """Serving and retries: together what a request costs in the scores."""
    attempts = usage.attempts if usage else 1.0
    if v.variant in economics.tokens:
        tokens = 0.0 if usage is None else (usage.prompt_tokens or 0.0) + (usage.output_tokens or 0.0)
        each = v.other_per_request / attempts
        price = each / tokens if tokens else 0.0
        source = usage.token_source if usage and usage.token_source else "the scenario's token prices"
        if usage and usage.prompt_tokens is not None and usage.output_tokens is not None:
            prompt = f"{usage.prompt_tokens:,.0f} in"
            if usage.cached_tokens:
                prompt += f" ({usage.cached_tokens:,.0f} of them from a cache)"
            source = f"{prompt} and {usage.output_tokens:,.0f} out, measured; {source}"
        found = [
            _line("Tokens", "each request", tokens, "tokens, at their mean price", price, economics, source)
        ]
    elif usage and usage.capacity and usage.capacity.rate:
        return [_replicas(usage.capacity, usage.attempts, terms, economics)]
    else:
        seconds = (v.machine_s or 0.0) / attempts
        paid = seconds / terms.utilisation / 3600
        source = f"measured {seconds:.3g} s a request, machine busy {terms.utilisation:.0%} of the time paid"
        source = f"{source}; {_priced(economics.serving)}"
        found = [
            _line(
                "Serving",
                "each request",
                paid,
                "machine hours",
                terms.serving_price_per_hour,
                economics,
                source,
            )
        ]
    if attempts > 1:
        again = found[0].amount
        source = f"{attempts - 1:.3g} attempts more a request, measured; each paid like the first"
        found.append(_line("Retries", "each request", attempts - 1, "attempts", again, economics, source))
    return found


def _replicas(found: Capacity, attempts: float, terms: DecisionTerms, economics: Economics) -> LedgerLine:
    """Whole replicas, paid day and night; what was tried again is load like the rest."""
    rate = mean_rate(terms.monthly_requests) * attempts
    n = replicas(rate, found.rate or 0.0, found.peak)
    limits = ", ".join(f"{name} {limit:g} s" for name, limit in found.limits.stated().items())
    source = f"measured under load on {found.hardware}: {found.rate:.3g} requests/s a replica"
    source += (
        f" with {found.attainment:.0%} of requests within {limits}" if limits else " without falling behind"
    )
    source += f"; {n} for {rate:.3g} requests/s" + (
        f" and {found.peak:g} times that" if found.peak > 1 else ""
    )
    hours = n * SECONDS_A_MONTH / 3600
    price = terms.serving_price_per_hour
    source = f"{source}; {_priced(economics.serving)}"
    return _line("Serving", "each month", hours, "machine hours", price, economics, source)


def _priced(hardware: Hardware) -> str:
    return f"{hardware.name}, {hardware.source}, {hardware.as_of}"


def _line(
    what: str, paid: str, quantity: float, unit: str, unit_price: float, economics: Economics, source: str
) -> LedgerLine:
    amount = quantity * unit_price
    times = {
        "each training": 1 / economics.retraining_months,
        "each month": 1.0,
        "each request": float(economics.monthly_requests),
    }
    return LedgerLine.model_validate({
        "what": what, "paid": paid, "quantity": quantity, "unit": unit, "unit_price": unit_price, "amount": amount,
        "per_month": amount * times[paid], "source": source,
    })  # fmt: skip
