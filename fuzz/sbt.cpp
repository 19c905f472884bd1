// Session binding tokens: whatever a holder of the secret signs, only what chapter 3 allows is accepted; and
// nothing is accepted that was not signed.

#include "target.hpp"

#include <bsp/json/parse.hpp>
#include <bsp/sbt/sbt.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace bsp;
    static constexpr std::string_view secret = "a pairing secret of thirty-two bytes";
    static constexpr instant now{1'767'139'200, 0};
    auto const secret_of = [](std::string_view) { return std::optional{std::string{secret}}; };

    auto const value = json::parse({reinterpret_cast<char const*>(data), size});
    if (!value || !value->is_object()) return 0;
    fuzz::require(!verify_sbt(*value, secret_of, now));  // the input cannot know the MAC

    json::object unsigned_token = value->as_object();
    unsigned_token.erase("signature");
    auto const token = sign_sbt(unsigned_token, secret);
    if (!token) return 0;
    auto const verified = verify_sbt(json::value(*token), secret_of, now);  // with braces it were an array
    if (!verified) return 0;
    auto const& t = **verified;
    fuzz::require(t.created_at <= now + limits::freshness_window && now < t.expires_at && t.created_at < t.expires_at);
    fuzz::require(t.expires_at <= t.created_at + limits::sbt_lifetime_max);
    fuzz::require(!t.user_id.empty() && t.user_id != "anonymous" && t.local_backend_id != t.hosted_backend_id);

    json::object tampered = *token;
    tampered["fuzz"] = 1;
    fuzz::require(token->contains("fuzz") || !verify_sbt(json::value(tampered), secret_of, now));
    return 0;
}
