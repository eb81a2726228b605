"""Which family a model is of, by its name."""

from __future__ import annotations

import re

from harness.types.judge_settings import JudgeSettings, RewardJudge, endpoint_of
from harness.types.settings import Scenario

_FAMILIES = {
    "SmolLM": r"smol(lm|-?vlm)?",
    "Llama": r"(code)?llama(?!\.?cpp)|vicuna|alpaca",
    "Qwen": r"qwen|qwq",
    "Mistral": r"mistral|mixtral|ministral|magistral|codestral|devstral|pixtral",
    "Gemma and Gemini": r"gemma|gemini",
    "GPT": r"gpt|o[134](?![\w.])|chatgpt|davinci",
    "Claude": r"claude",
    "Phi": r"phi",
    "DeepSeek": r"deepseek",
    "Command": r"command|aya|cohere",
    "Granite": r"granite",
    "Falcon": r"falcon",
    "OLMo": r"olmo|tulu",
    "Nemotron": r"nemotron",
    "GLM": r"(chat)?glm",
    "Kimi": r"kimi|moonshot",
    "Grok": r"grok",
    "Nova": r"nova",
    "Yi": r"yi",
}


def family(name: str) -> str | None:
    """Of the model called ``name``; None where the name does not tell. A name on a distilled model (such as
    DeepSeek-R1-Distill-Qwen) tells of the first in it."""
    found = [
        (match.start(), family)
        for family, pattern in _FAMILIES.items()
        if (match := re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", name.casefold()))
    ]
    return min(found)[1] if found else None


def model_of(scenario: Scenario, settings: JudgeSettings) -> str:
    """Name of the model that judges."""
    endpoint = endpoint_of(settings)
    return scenario.endpoints[endpoint].model if endpoint else scenario.model.source


def words(scenario: Scenario, settings: JudgeSettings) -> str:
    """What judges."""
    if isinstance(settings, RewardJudge):
        return "a linear reward learnt from the scenario's preference pairs"
    endpoint = endpoint_of(settings)
    model = model_of(scenario, settings)
    return f"{model} at endpoint {endpoint}" if endpoint else f"the scenario's own base model ({model})"


def relatives(scenario: Scenario, settings: JudgeSettings) -> tuple[str, ...]:
    """Variants whose model is the judge's own or of its family."""
    if isinstance(settings, RewardJudge):
        return ()
    mine = model_of(scenario, settings)
    own = settings.family or family(mine)

    def related(weights: str) -> bool:
        kind, _, name = weights.partition(":")
        if kind == "precomputed":
            return False
        model = scenario.endpoints[name].model if kind == "endpoint" else scenario.model.source
        return model == mine or (own is not None and (family(model) or "").casefold() == own.casefold())

    return tuple(v.name for v in scenario.variants if related(v.weights))
