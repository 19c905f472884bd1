// The redactor beside RE2 with the four expressions of the source document, which find less than the grammar of section 17.1:
// on ordinary messages, on messages full of personal data, and on hostile text.

#include <bsp/privacy/redact.hpp>

#include <benchmark/benchmark.h>
#include <re2/re2.h>

#include <array>
#include <string>
#include <utility>

namespace {

std::string text_of(int which, std::size_t octets) {
    static std::array<std::string, 3> const units{
        "Where were we? The build of 2025-12-31 took 412 ms, and the answer to question 7 is on page 1234. ",
        "Write to john@example.com or call 555-123-4567, card 4111 1111 1111 1111, ssn 123-45-6789. ", "a.a@1-"};
    std::string text;
    while (text.size() < octets) text += units.at(static_cast<std::size_t>(which));
    return text;
}

std::string with_re2(std::string text) {
    static std::array<std::pair<re2::RE2, char const*>, 4> const kinds{{{"\\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}\\b", "[REDACTED_EMAIL]"},
                                                                        {"\\b[0-9]{4}[-\\s]?[0-9]{4}[-\\s]?[0-9]{4}[-\\s]?[0-9]{4}\\b", "[REDACTED_CREDIT_CARD]"},
                                                                        {"\\b[0-9]{3}-[0-9]{2}-[0-9]{4}\\b", "[REDACTED_SSN]"},
                                                                        {"\\b[0-9]{3}[-.]?[0-9]{3}[-.]?[0-9]{4}\\b", "[REDACTED_PHONE]"}}};
    for (auto const& [expression, replacement] : kinds) re2::RE2::GlobalReplace(&text, expression, replacement);
    return text;
}

void octets(benchmark::State& state, std::string const& text) { state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations()); }

void redact_scanner(benchmark::State& state) {
    auto const text = text_of(static_cast<int>(state.range(0)), 64 << 10);
    for (auto _ : state) benchmark::DoNotOptimize(bsp::privacy::redact(text));
    octets(state, text);
}
void redact_re2(benchmark::State& state) {
    auto const text = text_of(static_cast<int>(state.range(0)), 64 << 10);
    for (auto _ : state) benchmark::DoNotOptimize(with_re2(text));
    octets(state, text);
}

BENCHMARK(redact_scanner)->DenseRange(0, 2);
BENCHMARK(redact_re2)->DenseRange(0, 2);

}  // namespace
