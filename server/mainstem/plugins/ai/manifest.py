"""Type names of the providers of language models."""

from typing import Final

_KESTRA: Final = "io.kestra.plugin"
_HERE: Final = "mainstem.plugins.ai"

TYPES: Final = {
    f"{_KESTRA}.openai.ChatCompletion": f"{_HERE}.openai:ChatCompletion",
    f"{_KESTRA}.openai.CreateImage": f"{_HERE}.openai:CreateImage",
    f"{_KESTRA}.openai.Responses": f"{_HERE}.openai_responses:Responses",
    f"{_KESTRA}.anthropic.ChatCompletion": f"{_HERE}.anthropic:ChatCompletion",
    f"{_KESTRA}.deepseek.ChatCompletion": f"{_HERE}.others:DeepSeekChat",
    f"{_KESTRA}.perplexity.ChatCompletion": f"{_HERE}.others:PerplexityChat",
    f"{_KESTRA}.gemini.ChatCompletion": f"{_HERE}.gemini:ChatCompletion",
    f"{_KESTRA}.gemini.StructuredOutputCompletion": f"{_HERE}.gemini:StructuredOutputCompletion",
}

ALIASES: Final[dict[str, str]] = {}
