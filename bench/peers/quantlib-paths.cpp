// QuantLib's Monte Carlo beside ours: European calls by MCEuropeanEngine in one step and in a hundred, and Heston's model by
// MCEuropeanHestonEngine with the quadratic-exponential scheme. Pseudo-random numbers (Mersenne twister, inverse normal), its
// default. Needs libquantlib0-dev.
#include "peer.hpp"
#include <ql/exercise.hpp>
#include <ql/instruments/vanillaoption.hpp>
#include <ql/pricingengines/vanilla/mceuropeanengine.hpp>
#include <ql/pricingengines/vanilla/mceuropeanhestonengine.hpp>
#include <ql/processes/blackscholesprocess.hpp>
#include <ql/quotes/simplequote.hpp>
#include <ql/termstructures/volatility/equityfx/blackconstantvol.hpp>
#include <ql/termstructures/yield/flatforward.hpp>
#include <ql/time/calendars/nullcalendar.hpp>
#include <ql/time/daycounters/actual365fixed.hpp>

using namespace QuantLib;

int main(int, char**) {
    const Date today(22, November, 2026);
    Settings::instance().evaluationDate() = today;
    const Actual365Fixed dayCounter;
    const Handle<Quote> spot(ext::make_shared<SimpleQuote>(100.0));
    const Handle<YieldTermStructure> rate(ext::make_shared<FlatForward>(today, 0.03, dayCounter));
    const Handle<YieldTermStructure> yield(ext::make_shared<FlatForward>(today, 0.01, dayCounter));
    const Handle<BlackVolTermStructure> volatility(
        ext::make_shared<BlackConstantVol>(today, NullCalendar(), 0.6, dayCounter));
    const auto black = ext::make_shared<BlackScholesMertonProcess>(spot, yield, rate, volatility);
    const auto heston = ext::make_shared<HestonProcess>(rate, yield, spot, 0.09, 1.5, 0.16, 0.6, -0.5,
                                                        HestonProcess::QuadraticExponentialMartingale);
    VanillaOption option(ext::make_shared<PlainVanillaPayoff>(Option::Call, 110.0),
                         ext::make_shared<EuropeanExercise>(today + 365));
    BigNatural seed = 42;
    const auto european = [&](Size steps, Size paths) {
        option.setPricingEngine(
            MakeMCEuropeanEngine<PseudoRandom>(black).withSteps(steps).withSamples(paths).withSeed(seed++));
        return option.NPV();
    };
    const auto stochastic = [&](Size steps, Size paths) {
        option.setPricingEngine(
            MakeMCEuropeanHestonEngine<PseudoRandom>(heston).withSteps(steps).withSamples(paths).withSeed(seed++));
        return option.NPV();
    };
    answer({
        {"european", {16384, [&] { return european(1, 16384); }}},
        {"steps", {1024 * 100, [&] { return european(100, 1024); }}},
        {"heston", {1024 * 50, [&] { return stochastic(50, 1024); }}},
    });
}
