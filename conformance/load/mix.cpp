#include "mix.hpp"

#include <charconv>
#include <cmath>
#include <optional>

namespace bsp::conformance::load {
namespace {

std::optional<operation> operation_named(std::string_view name) {
    for (auto const o : all_operations)
        if (to_string(o) == name) return o;
    return std::nullopt;
}

mix scaled(mix m) {
    double sum = 0;
    for (auto const s : m.shares) sum += s;
    for (auto& s : m.shares) s = sum > 0 ? s / sum : 0;
    return m;
}

}  // namespace

std::string_view to_string(operation o) noexcept {
    switch (o) {
        case operation::push: return "push";
        case operation::pull: return "pull";
        case operation::read: return "read";
        case operation::telemetry: return "telemetry";
    }
    return "?";
}

mix mix::without(operation o) const {
    mix out = *this;
    out.shares[static_cast<std::size_t>(o)] = 0;
    return scaled(out);
}

result<mix> parse_mix(std::string_view text) {
    constexpr double weight_max = 1e6;
    auto const bad = [](std::string why) { return fail(errc::bad_request, std::move(why) + "; a mix is, for example, " + std::string{default_mix}); };
    mix out;
    std::array<bool, operations> named{};
    double sum = 0;
    for (bool more = true; more;) {
        auto const comma = text.find(',');
        auto const part = text.substr(0, comma);
        more = comma != std::string_view::npos;
        text.remove_prefix(more ? comma + 1 : text.size());
        auto const equals = part.find('=');
        std::string const name{part.substr(0, equals)};
        if (equals == std::string_view::npos) return bad("\"" + std::string{part} + "\" names no share");
        auto const o = operation_named(name);
        if (!o) return bad("there is no operation \"" + name + "\"; there are push, pull, read and telemetry");
        auto const digits = part.substr(equals + 1);
        double weight = 0;
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), weight, std::chars_format::fixed);
        if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || !(weight >= 0 && weight <= weight_max))
            return bad("the share of " + name + ", \"" + std::string{digits} + "\", is no number from 0 to 1000000");
        auto const at = static_cast<std::size_t>(*o);
        if (named[at]) return bad(name + " is named twice");
        named[at] = true;
        out.shares[at] = weight;
        sum += weight;
    }
    if (!(sum > 0)) return bad("every share is 0");
    return scaled(out);
}

std::string in_words(mix const& m) {
    std::string out;
    for (auto const o : all_operations) {
        if (m.of(o) <= 0) continue;
        auto const percent = std::lround(m.of(o) * 100);
        out += (out.empty() ? "" : ", ") + std::string{to_string(o)} + (percent == 0 ? " <1" : " " + std::to_string(percent)) + " %";
    }
    return out;
}

}  // namespace bsp::conformance::load
