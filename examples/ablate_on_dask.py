"""An ablation on a Dask cluster: joblib's backend does it. Here the cluster is two processes of this machine."""

import augsafe as aug
from augsafe.ablation import Light
from augsafe.demo import digits

if __name__ == "__main__":
    import joblib
    from distributed import Client, LocalCluster

    images, labels = digits()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        result = aug.ablate(
            [aug.Rotate((-12, 12)), aug.VerticalFlip(p=1)],
            Light(copies=1),
            (images[:500], labels[:500]),
            contract="mnist",
            store="runs.sqlite",
            finals=False,
            jobs=2,
        )
    print(result)
    assert result.row("VerticalFlip").verdict == "harms"
