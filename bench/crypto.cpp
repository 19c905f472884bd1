// Signatures and tokens beside Crypto++ alone.

#include "world.hpp"

#include <bsp/crypto/rsa.hpp>
#include <bsp/sbt/sbt.hpp>

#include <cryptopp/hmac.h>

#include <stdexcept>

namespace {

using namespace bsp;
using namespace std::chrono_literals;

std::string const& text() {
    static std::string const text(2'000, 'x');
    return text;
}
bytes const& signature() {
    static bytes const signature = bench::device_key().sign_ps256(text());
    return signature;
}

CryptoPP::RSA::PrivateKey const& raw_key() {
    static CryptoPP::RSA::PrivateKey const key = [] {
        CryptoPP::AutoSeededRandomPool random;
        CryptoPP::RSA::PrivateKey k;
        k.Initialize(random, 2048, 65'537);
        return k;
    }();
    return key;
}
using scheme = CryptoPP::RSASS<CryptoPP::PSS, CryptoPP::SHA256>;

void ps256_sign_cryptopp(benchmark::State& state) {
    CryptoPP::AutoSeededRandomPool random;
    scheme::Signer const signer{raw_key()};
    bytes out(signer.SignatureLength());
    for (auto _ : state) benchmark::DoNotOptimize(signer.SignMessage(random, as_bytes(text()).data(), text().size(), out.data()));
}
void ps256_sign(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(bench::device_key().sign_ps256(text()));
}
void ps256_verify_cryptopp(benchmark::State& state) {
    CryptoPP::AutoSeededRandomPool random;
    scheme::Signer const signer{raw_key()};
    scheme::Verifier const verifier{signer};
    bytes made(signer.SignatureLength());
    signer.SignMessage(random, as_bytes(text()).data(), text().size(), made.data());
    for (auto _ : state) benchmark::DoNotOptimize(verifier.VerifyMessage(as_bytes(text()).data(), text().size(), made.data(), made.size()));
}
void ps256_verify(benchmark::State& state) {
    auto const& key = bench::device_key().public_key();
    for (auto _ : state) benchmark::DoNotOptimize(key.verify_ps256(text(), signature()));
}

void public_key_from_pem(benchmark::State& state) {
    std::string const pem = bench::device_key().public_key().pem();
    for (auto _ : state) benchmark::DoNotOptimize(rsa_public_key::from_pem(pem));
}

constexpr instant now{1'767'139'200, 0};
constexpr std::string_view secret = "secret of ada, thirty-two bytes.";
json::object const& token() {
    static json::object const token = mint_sbt({"sess_1", "local_1", "hosted_1", "ada", now, now + 8h}, secret);
    return token;
}

void sbt_hmac_cryptopp(benchmark::State& state) {
    json::object unsigned_token = token();
    unsigned_token.erase("signature");
    std::string const signed_text = json::canonicalize(unsigned_token).value();
    sha256_digest mac{};
    for (auto _ : state) {
        CryptoPP::HMAC<CryptoPP::SHA256> hmac{as_bytes(secret).data(), secret.size()};
        hmac.CalculateDigest(mac.data(), as_bytes(signed_text).data(), signed_text.size());
        benchmark::DoNotOptimize(mac);
    }
}
void sbt_verify(benchmark::State& state) {
    json::value const received(token());
    if (!verify_sbt(
            received, [](std::string_view) { return std::optional{std::string{secret}}; }, now))
        throw std::runtime_error{"not verified"};
    auto const secret_of = [](std::string_view) { return std::optional{std::string{secret}}; };
    for (auto _ : state) benchmark::DoNotOptimize(verify_sbt(received, secret_of, now));
}

BENCHMARK(ps256_sign_cryptopp);
BENCHMARK(ps256_sign);
BENCHMARK(ps256_verify_cryptopp);
BENCHMARK(ps256_verify);
BENCHMARK(public_key_from_pem);
BENCHMARK(sbt_hmac_cryptopp);
BENCHMARK(sbt_verify);

}  // namespace
